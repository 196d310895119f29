"""Playing a game: deep Q-learning of an Atari game from its pictures, or of a small control problem."""
