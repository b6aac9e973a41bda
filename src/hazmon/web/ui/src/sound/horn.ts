/** The loudspeaker. Web Audio only; no file is fetched. */

import type { Tone } from "./plan";

interface Note {
  readonly hertz: number;
  readonly from: number;
  readonly seconds: number;
}

/** One round of each tone and how often it comes round again, in seconds. */
const ROUNDS: Readonly<Record<Tone, { readonly notes: readonly Note[]; readonly every: number }>> = {
  P1: { notes: [tone(960, 0, 0.4), tone(720, 0.4, 0.4)], every: 0.8 },
  P2: { notes: [tone(800, 0, 0.25), tone(800, 0.35, 0.25)], every: 5 },
  P3: { notes: [tone(660, 0, 0.35)], every: Number.POSITIVE_INFINITY },
  SYSTEM: { notes: [tone(330, 0, 0.15), tone(330, 0.25, 0.15), tone(330, 0.5, 0.3)], every: 3 },
};

function tone(hertz: number, from: number, seconds: number): Note {
  return { hertz, from, seconds };
}

export class Horn {
  private readonly context = new AudioContext();
  private playing: Tone | null = null;
  private roundAt = 0;
  private voices: OscillatorNode[] = [];

  /** False until the browser lets the page be heard. */
  get runs(): boolean {
    return this.context.state === "running";
  }

  /** Call from a click: browsers grant sound to a gesture. */
  async enable(): Promise<void> {
    await this.context.resume();
  }

  /** The lasting tone due at `now` (ms, monotonic). Call several times a second; a change takes effect at once. */
  keep(due: Tone | null, now: number): void {
    if (due !== this.playing) {
      for (const voice of this.voices) voice.stop();
      this.voices = [];
      this.playing = due;
      this.roundAt = now;
    }
    if (due !== null && now >= this.roundAt) {
      this.voices = this.round(due);
      this.roundAt = now + ROUNDS[due].every * 1000;
    }
  }

  once(due: Tone): void {
    this.round(due);
  }

  private round(due: Tone): OscillatorNode[] {
    if (!this.runs) return []; // a stopped context would store up every round and play them all together
    return ROUNDS[due].notes.map(({ hertz, from, seconds }) => {
      const start = this.context.currentTime + from;
      const voice = new OscillatorNode(this.context, { type: "square", frequency: hertz });
      const volume = new GainNode(this.context, { gain: 0 });
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(0.25, start + 0.01);
      volume.gain.setValueAtTime(0.25, start + seconds - 0.02);
      volume.gain.linearRampToValueAtTime(0, start + seconds);
      voice.connect(volume).connect(this.context.destination);
      voice.start(start);
      voice.stop(start + seconds);
      return voice;
    });
  }
}
