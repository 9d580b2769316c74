"""That what is shipped is whole: the wheel, and the editable install of a checkout."""
