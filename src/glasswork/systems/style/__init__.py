"""Neural style: a picture is painted by gradient descent on its pixels."""
