def stop_idle(client):
    """Stop each container whose owner has marked it as idle."""
    for container in client.containers.all():
        if container.config.get('user.idle') == 'yes':
            container.stop(wait=True)


def test_stop_idle(lxd_client):
    box = lxd_client.containers.create({
        'name': 'box', 'config': {'user.idle': 'yes'},
        'source': {'type': 'image', 'alias': 'busybox'}}, wait=True)
    box.start(wait=True)
    stop_idle(lxd_client)
    assert box.state().status == 'Stopped'
    box.delete(wait=True)
