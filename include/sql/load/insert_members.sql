INSERT INTO register.member (
    region_code, joined_on, left_on, confirmed, is_applicant, note_sv, note_en
)
VALUES %s
