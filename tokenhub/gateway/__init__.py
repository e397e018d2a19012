"""The data plane: admit, interpret, decide, dispatch, shape, settle."""
