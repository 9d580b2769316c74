"""What Runner finds out about a machine, fed with what real machines say."""
