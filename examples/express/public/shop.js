// Starts the browser tracker: it sets the `_sp_id` cookie from which the server learns the visitor's domain user id.
const { newTracker, trackPageView } = window.snowplowBrowserTracking;
newTracker('shop-browser', document.currentScript.dataset.collector, { appId: 'tea-shop' });
trackPageView();
