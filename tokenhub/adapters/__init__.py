"""Who supplies the ports; imported by the composition root alone."""
