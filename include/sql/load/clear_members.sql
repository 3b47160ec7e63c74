DELETE FROM register.member
