DELETE FROM register.known_defect
