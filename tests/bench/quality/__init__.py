"""Tasks, how answers are judged, and what `runner eval` makes of them."""
