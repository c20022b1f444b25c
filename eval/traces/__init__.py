"""Measurements from elsewhere: other tools' tables turned into the contracts' forms, and a lab's rows checked."""
