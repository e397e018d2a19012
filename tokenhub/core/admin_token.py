"""The admin token: its form, and the file that keeps it.

The client has a copy of the file's name (client/profile.py), since front ends know nothing of the
server; a test holds the two together.
"""

# In the data directory, beside the database.
FILE = ".admin-token"
# reliability.md 4.5: 256 random bits, with a prefix that tells leaked tokens apart.
PREFIX = "tha_"
BITS = 256
# The least that an operator may choose.
MIN_CHARS = 16
