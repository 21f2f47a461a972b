"""The order in which a mailbox is read and what is saved together, without knowing providers or databases."""
