"""What a recurrent network does with a sequence: states and gates, errors back in time, what its units follow."""
