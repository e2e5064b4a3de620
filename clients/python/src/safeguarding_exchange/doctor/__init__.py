"""What an agency's developer runs to find what is wrong: each thing looked at, with the fault and its remedy."""
