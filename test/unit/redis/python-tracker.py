"""The Python tracker on one of our lists, to hold ours against the original.

    pip install "snowplow-tracker[redis]==0.15.0"
    python python-tracker.py write PORT   # its RedisEmitter writes one event of each kind into the list
    python python-tracker.py work PORT COLLECTOR_PORT   # its RedisWorker delivers what is in the list

`write`, then `redis-cli LRANGE snowplow 0 -1`, made python-tracker-0.15.0.jsonl.
"""

import sys

import redis
from snowplow_tracker import Emitter, SelfDescribingJson, Subject, Tracker
from snowplow_tracker.redis import RedisEmitter, RedisWorker


def write(rdb):
    subject = Subject()
    subject.set_user_id("u1").set_color_depth(24).set_screen_resolution(1920, 1080).set_viewport(10, 20)
    subject.set_timezone("Europe/Berlin").set_lang("de").set_ip_address("192.0.2.7")
    subject.set_domain_user_id("6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11").set_domain_session_index(3)
    subject.set_useragent("agent").set_network_user_id("9e1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a22")
    plain = Tracker(RedisEmitter(rdb), subject, namespace="ns", app_id="app", encode_base64=False)
    coded = Tracker(RedisEmitter(rdb), subject, namespace="ns", app_id="app")
    entity = SelfDescribingJson("iglu:com.acme/item/jsonschema/1-0-0", {"size": 1, "name": "K\u00e4se \U0001f9c0"})
    for tracker in (plain, coded):
        tracker.track_page_view("http://a.example/\u00fc?q=1", "Stra\u00dfe", "http://b.example", context=[entity])
        tracker.track_page_ping("http://a.example", "title", None, 0, 100, 0, 500)
        tracker.track_link_click("http://a.example/target", "id", ["a", "b"], "_blank", "text")
        tracker.track_add_to_cart("sku", 2, "name", "category", 9.99, "EUR")
        tracker.track_remove_from_cart("sku", 1)
        tracker.track_form_change("form", "field", "INPUT", "x", "text", ["c"])
        tracker.track_form_submit("form", ["c"], [{"name": "a", "value": "1", "nodeName": "INPUT"}])
        tracker.track_site_search(["term"], {"category": "books"}, 10, 3)
        items = [{"sku": "s1", "price": 20, "quantity": 2, "name": "n"}, {"sku": "s2", "price": 0.5, "quantity": 1}]
        tracker.track_ecommerce_transaction("order", 20.5, "aff", 1.5, 5, "city", "state", "land", "EUR", items)
        tracker.track_screen_view("name", "id")
        tracker.track_struct_event("category", "action", "label", "property", 3.5)
        tracker.track_struct_event("category", "zero", value=0)
        tracker.track_self_describing_event(entity)


def work(rdb, port):
    worker = RedisWorker(Emitter("127.0.0.1", protocol="http", port=port, batch_size=10), rdb)
    while rdb.llen("snowplow") > 0:
        worker.pop_payload()
    worker.pool.join(timeout=20)
    worker.emitter.flush()


what, redis_port, *rest = sys.argv[1:]
database = redis.StrictRedis(port=int(redis_port))
write(database) if what == "write" else work(database, int(rest[0]))
