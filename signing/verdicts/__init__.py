"""What a verification answers: verdicts, their reasons, and the policies that they are made by."""
