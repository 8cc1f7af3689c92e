-- An edit that did not reach Salesforce gives way to a later one of its field, and can be taken back while it is parked.

DROP TRIGGER field_edit_status_change ON field_edit;
CREATE TRIGGER field_edit_status_change BEFORE UPDATE OF status ON field_edit FOR EACH ROW
    EXECUTE FUNCTION enforce_status_change(
        'queued>applying', 'applying>applied', 'applying>conflict', 'applying>rejected',
        'queued>discarded', 'queued>superseded', 'queued>rejected', 'queued>conflict', 'queued>parked',
        'parked>queued', 'applying>queued', 'applying>parked',
        'applying>superseded', 'parked>superseded', 'parked>discarded');
