// The event that every tracker is given: a page view of a visitor of its own, with one entity of seven fields.
export const PAGE_SCHEMA = 'iglu:com.acme.shop/product/jsonschema/1-0-0';

/** What the visitor's browser sends: the load generator's headers, and what the applications are to track. */
export const HEADERS = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'accept-language': 'et-EE,et;q=0.9,en;q=0.8',
  referer: 'https://shop.acme.com/tea?kind=green&sort=price',
  cookie:
    'theme=dark; _sp_id.1fff=b1c9a3f0-6d1e-4c53-9b0f-0c8a4a7d2e11.1732000000.4.1732270000.1732200000.0a5fb4e2-1d2c-4f3b-8a9e-5b6c7d8e9f00',
};

/** Event number `i`: as large as any other, and like none of them. */
export function sample(i) {
  const number = 100_000 + (i % 900_000);
  return {
    ip: `203.0.113.${i & 127}`,
    userAgent: HEADERS['user-agent'],
    domainUserId: 'b1c9a3f0-6d1e-4c53-9b0f-0c8a4a7d2e11',
    userId: `u-${number}`,
    pageUrl: `https://shop.acme.com/tea/green/item-${number}?campaign=spring&size=100g`,
    pageTitle: 'Green tea of this spring, by the first flush',
    referrer: HEADERS.referer,
    data: product(number),
  };
}

export const product = (number) => ({
  sku: `TEA-${number}`,
  name: 'Sencha from Shizuoka, first flush',
  category: 'green',
  price: 4.5,
  quantity: 2,
  currency: 'EUR',
  inStock: true,
});
