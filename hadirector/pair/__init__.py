"""What the directors of a pair tell each other, and what each makes of it. Pure."""
