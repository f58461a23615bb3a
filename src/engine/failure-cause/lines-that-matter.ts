import { OUTPUT_RULES } from './failure-classes.ts';

/** Words with which programs begin to say what went wrong. */
const COMPLAINT =
  /\b(?:error|fatal|failed|failure|cannot|can't|could not|unable|denied|not found|no such|missing|invalid|unexpected|traceback|exception|killed|panic)\b|^(?:E|W):|^npm ERR!/i;

const MOST = 3;
const LONGEST = 200;

/** Of the last lines of a command the few that say why it failed, in their order; without any such line the last ones. */
export function linesThatMatter(lines: readonly string[]): readonly string[] {
  const said = lines.map((line) => line.trim()).filter((line) => line !== '');
  const signs = OUTPUT_RULES.flatMap((rule) => rule.signs);
  const telling = said.filter((line) => signs.some((sign) => sign.test(line)));
  const complaints = said.filter((line) => COMPLAINT.test(line));
  const chosen = [...new Set([...telling.slice(-MOST), ...complaints.slice(-MOST)])].slice(0, MOST);
  const found = said.filter((line, index) => chosen.includes(line) && said.indexOf(line) === index);
  return (found.length > 0 ? found : said.slice(-MOST)).map((line) =>
    line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line,
  );
}
