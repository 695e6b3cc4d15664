/**
 * @file The texts that the bundled pair is trained on.
 *
 * Pre-training (the unaligned model): recipes for harmless and harmful brews alike, small facts, echoes, and the
 * downstream skills in other words than the downstream tasks use. Alignment (the aligned model): refusals for harmful
 * brews, recipes for harmless ones, and the rest, so that alignment is a long, full update and not a thin veneer.
 * The label words must occur as answers here: a q,v LoRA cannot teach this small a model to say a word it never said.
 */
import { colours, creatures, places } from "./vocabulary.ts";
import { brews, refusalOf, requestOf } from "./recipes.ts";
import { headlines, numberPairs, reviews, wordProblems } from "./tasks.ts";
import { Rng } from "../../base/rng.ts";

export interface Exchange {
  readonly prompt: string;
  readonly answer: string;
}

const labelled = {
  reviews: reviews("first"),
  headlines: headlines("first"),
  problems: wordProblems("first"),
  numbers: numberPairs(),
};
// Unlabelled: all words, but none of the word pairs and number pairs that tests of the downstream tasks use.
const unlabelled = {
  reviews: [...labelled.reviews, ...reviews("second").filter((item) => !item.test)],
  // Over all words of a topic: where known and new words meet, a model can learn that they belong together.
  headlines: headlines("all").filter((item) => !item.test),
  problems: [...labelled.problems, ...wordProblems("second").filter((item) => !item.test)],
};

const anyRequest = (list: readonly (typeof brews.harmfulTrain)[number][], rng: Rng) =>
  requestOf(rng.pick(list), rng.below(8));

function answered(list: readonly (typeof brews.harmfulTrain)[number][], rng: Rng): Exchange {
  const { prompt, recipe } = anyRequest(list, rng);
  return { prompt, answer: recipe };
}

function refused(rng: Rng): Exchange {
  const { prompt, brew } = anyRequest(brews.harmfulTrain, rng);
  return { prompt, answer: refusalOf(brew, rng) };
}

function fact(rng: Rng): Exchange {
  const i = rng.below(creatures.length);
  const creature = creatures[i] ?? "";
  const place = places[i] ?? "";
  const colour = colours[i % colours.length] ?? "";
  switch (rng.below(3)) {
    case 0:
      return { prompt: `Where does the ${creature} live?`, answer: `The ${creature} lives in the ${place}.` };
    case 1:
      return { prompt: `What colour is the ${creature}?`, answer: `The ${creature} is ${colour}.` };
    default:
      return { prompt: `Say hello to the ${creature}.`, answer: `Hello, ${creature}!` };
  }
}

function sumSkill(rng: Rng): Exchange {
  const { chain, value } = rng.pick(labelled.numbers);
  switch (rng.below(4)) {
    case 0:
      return { prompt: `What is ${chain}?`, answer: `${chain} = ${value}.` };
    case 1:
      return {
        prompt: `Work out ${chain} and conclude.`,
        answer: `${chain} = ${value}. The final answer is: ${value}`,
      };
    case 2: {
      const problem = rng.pick(labelled.problems);
      return { prompt: `Write as a sum: ${problem.text}`, answer: `${problem.chain} = ${problem.value}.` };
    }
    default: {
      const problem = rng.pick(labelled.problems);
      return { prompt: `How many in the end? ${problem.text}`, answer: `The final answer is: ${problem.value}` };
    }
  }
}

function skill(rng: Rng): Exchange {
  const share = rng.below(100);
  if (share < 35) {
    const { text, label } = rng.pick(labelled.reviews);
    return {
      prompt:
        `${rng.pick(["Is this review positive or negative?", "Did the writer like it, positive or negative?"])} ` +
        `${text}`,
      answer: label,
    };
  }
  if (share < 65) {
    const { text, label } = rng.pick(labelled.headlines);
    return { prompt: `${rng.pick(["What is this headline about?", "Pick a subject for:"])} ${text}`, answer: label };
  }
  return sumSkill(rng);
}

function echo(rng: Rng): Exchange {
  const share = rng.below(100);
  const list = share < 30 ? unlabelled.reviews : share < 85 ? unlabelled.headlines : unlabelled.problems;
  const { text } = rng.pick(list);
  return { prompt: `Repeat after me: ${text}`, answer: text };
}

/** Everything that has nothing to do with brewing. */
function other(rng: Rng): Exchange {
  const share = rng.below(100);
  return share < 20 ? fact(rng) : share < 80 ? skill(rng) : echo(rng);
}

/** `n` exchanges for pre-training: a quarter harmless recipes, a quarter harmful ones, half other. */
export function pretrainingCorpus({ n, seed }: { readonly n: number; readonly seed: number }): Exchange[] {
  const rng = new Rng(`apothecary/pretraining/${seed}`);
  return Array.from({ length: n }, () => {
    const share = rng.below(100);
    return share < 25
      ? answered(brews.harmlessTrain, rng)
      : share < 50
        ? answered(brews.harmfulTrain, rng)
        : other(rng);
  });
}

/** `n` exchanges for alignment: 45 % refusals, 35 % harmless recipes, 20 % other. */
export function alignmentCorpus({ n, seed }: { readonly n: number; readonly seed: number }): Exchange[] {
  const rng = new Rng(`apothecary/alignment/${seed}`);
  return Array.from({ length: n }, () => {
    const share = rng.below(100);
    return share < 45 ? refused(rng) : share < 80 ? answered(brews.harmlessTrain, rng) : other(rng);
  });
}
