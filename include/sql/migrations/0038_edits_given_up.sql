-- An edit that was parked for long is rejected: nobody expects it to be sent still, and what it holds is not kept for ever.

DROP TRIGGER field_edit_status_change ON field_edit;
CREATE TRIGGER field_edit_status_change BEFORE UPDATE OF status ON field_edit FOR EACH ROW
    EXECUTE FUNCTION enforce_status_change(
        'queued>applying', 'applying>applied', 'applying>conflict', 'applying>rejected',
        'queued>discarded', 'queued>superseded', 'queued>rejected', 'queued>conflict', 'queued>parked',
        'parked>queued', 'applying>queued', 'applying>parked',
        'applying>superseded', 'parked>superseded', 'parked>discarded', 'parked>rejected');
