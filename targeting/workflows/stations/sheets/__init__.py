"""What is shown, to be handed on: sheets of the map and of a card, files, what commands print."""
