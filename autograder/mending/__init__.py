"""What repair is made of: the text of cells, cutting and joining, finding the release's cells, giving them back."""
