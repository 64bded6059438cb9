// The shop's pages, as text.

export const TEAS = [
  { sku: 'SENCHA-100', name: 'Sencha', from: 'Shizuoka, first flush', price: 14.5 },
  { sku: 'ASSAM-250', name: 'Assam', from: 'Halmari estate, malty', price: 11 },
  { sku: 'OOLONG-075', name: 'Tie Guan Yin', from: 'Anxi, lightly roasted', price: 19 },
];

const card = ({ sku, name, from, price }, pieces) => `
      <li>
        <h2><a href="/tea/${sku}">${name}</a></h2>
        <p>${from}</p>
        <p class="price">€ ${price.toFixed(2)}</p>
        <form method="post" action="/basket/${sku}">
          <button data-sku="${sku}">Add to basket${pieces ? ` <span class="pieces">${pieces}</span>` : ''}</button>
        </form>
      </li>`;

const ORDER = `
      <form method="post" action="/order"><button id="order">Order</button></form>`;

/** @param basket Quantities by sku. @param collector The endpoint for the browser's events, and the address of the live page. */
export const shopPage = (basket, collector) =>
  page(
    `<ul>${TEAS.map((tea) => card(tea, basket.get(tea.sku))).join('')}
      </ul>${basket.size > 0 ? ORDER : ''}`,
    collector,
  );

/** The page of one tea. */
export const teaPage = (tea, basket, collector) =>
  page(
    `<ul>${card(tea, basket.get(tea.sku))}
      </ul><p><a href="/">All teas</a></p>`,
    collector,
  );

export const orderedPage = (number, collector) =>
  page(`<p>Your order ${number} is on its way.</p><p><a href="/">All teas</a></p>`, collector);

const page = (main, collector) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>The tea shop</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/assets/shop.css" />
    <script src="/assets/sp.js" defer></script>
    <script src="/assets/shop.js" data-collector="${collector}" defer></script>
  </head>
  <body>
    <header>
      <h1>The tea shop</h1>
      <p>Every page is tracked twice: by your browser, and by the server that answers it.</p>
    </header>
    <main>
      ${main}
    </main>
    <footer>
      <p>Both tell <a href="${collector}/" target="_blank">the collector</a>, where they carry the same domain user id.</p>
    </footer>
  </body>
</html>
`;
