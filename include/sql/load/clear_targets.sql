DELETE FROM register.target
