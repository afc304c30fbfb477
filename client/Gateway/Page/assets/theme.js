// Light or dark. A classic script in the head, so that the page is never painted in one theme and then in the other.
(() => {
  const root = document.documentElement;
  const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

  // Storage is forbidden in some browsers; the system's theme then holds.
  const stored = () => { try { return localStorage.getItem('smol.theme'); } catch { return null; } };
  const store = theme => { try { localStorage.setItem('smol.theme', theme); } catch { return; } };

  const show = theme => {
    root.dataset.theme = theme;
    document.getElementById('theme')?.setAttribute('aria-pressed', String(theme === 'dark'));
  };
  const showChosen = () => show(stored() ?? (systemIsDark.matches ? 'dark' : 'light'));

  showChosen();
  systemIsDark.addEventListener('change', showChosen);
  document.addEventListener('DOMContentLoaded', () => {
    showChosen();
    document.getElementById('theme').addEventListener('click', () => {
      const theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
      store(theme);
      show(theme);
    });
  });
})();
