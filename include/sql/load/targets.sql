SELECT definition
FROM register.target
ORDER BY target_id
