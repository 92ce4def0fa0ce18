/** The dashboard's bus: one list of callbacks an event. */
class EventBus {
  listeners = {};

  on(event, callback) {
    (this.listeners[event] ??= []).push(callback);
  }

  off(event, callback) {
    this.listeners[event] = (this.listeners[event] ?? []).filter((known) => known !== callback);
  }

  emit(event, data) {
    for (const callback of this.listeners[event] ?? []) callback(data);
  }
}

export const eventBus = new EventBus();
