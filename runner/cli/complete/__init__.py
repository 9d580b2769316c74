"""What a shell offers on Tab: commands, options, models and quantizations, from this disk alone."""
