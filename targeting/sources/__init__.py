"""Official publications: each reader turns one file as published into our tables."""
