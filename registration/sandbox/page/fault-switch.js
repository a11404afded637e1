// One fault's slider, with the number that goes with it.

import { copyOf } from "./dom.js";

// In whole percent, as the slider shows it; what it rounds, it does not change.
export const percent = (share) => Math.round(share * 100);

export class FaultSwitch {
  #kind;
  #slider;
  #number;

  // `left` says how many percent the other switches leave; `choose` is called with what is to hold.
  constructor(kind, left, choose) {
    this.#kind = kind;
    this.element = copyOf("fault");
    [this.#slider, this.#number] = this.element.querySelectorAll("input");
    this.#wireSlider(left, choose);
    if (kind.figure) this.#wireNumber(choose);
    else this.element.querySelector(".figure").remove();
  }

  show(held) {
    this.#slider.value = percent(held[this.#kind.name]);
    this.#tellShare();
    this.element.classList.toggle("on", held[this.#kind.name] > 0);
    if (this.#kind.figure) this.#number.value = held[this.#kind.figure.name];
  }

  #wireSlider(left, choose) {
    const { name, label, hint } = this.#kind;
    const slider = this.#slider;
    slider.id = `fault-${name}`;
    slider.setAttribute("aria-describedby", `${slider.id}-hint`);
    Object.assign(this.element.querySelector(".name"), { htmlFor: slider.id, textContent: label });
    Object.assign(this.element.querySelector(".hint"), { id: `${slider.id}-hint`, textContent: hint });
    slider.addEventListener("input", () => {
      slider.value = Math.min(slider.value, left(name));
      this.#tellShare();
    });
    slider.addEventListener("change", () => choose({ [name]: slider.value / 100 }));
  }

  #wireNumber(choose) {
    const { name, label, step } = this.#kind.figure;
    const number = this.#number;
    Object.assign(number, { id: `fault-${name}`, step });
    Object.assign(this.element.querySelector(".figure label"), { htmlFor: number.id, textContent: label });
    number.addEventListener("change", () => choose({ [name]: number.valueAsNumber }));
  }

  #tellShare() {
    this.#slider.ariaValueText = `${this.#slider.value} %`;
    this.element.querySelector(".share").textContent = `${this.#slider.value} %`;
  }
}
