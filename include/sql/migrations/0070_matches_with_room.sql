-- A match that changes stays on its page, or goes to a new one with others that changed. Full to the last row, each page had room for just
-- one more, so that a thousand changed matches went to a thousand pages, and after a checkpoint all of these to the log.

ALTER TABLE contact_match SET (fillfactor = 95);
