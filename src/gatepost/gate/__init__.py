"""The admission rules, behind two doors: before the transaction, and inside it."""
