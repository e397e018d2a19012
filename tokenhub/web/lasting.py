"""Answers that last until somebody ends them: how a connection and such an answer know each other.

Both are keys of the scope. Under LEAVE the answer keeps the function that ends it, in the word of a
reason. GONE is set where the connection was lost, be it before there was an answer.
"""

LEAVE = "tokenhub.leave"
GONE = "tokenhub.gone"
STOPPING = "draining"
