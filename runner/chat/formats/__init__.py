"""The forms in which conversations leave Runner and come to it: a file for each."""
