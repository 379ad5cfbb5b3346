// One UE of the project's own in a lab.
import type { UeFaultSwitches } from "../../../ue/src/faults/ue-faults.ts";
import type { UeNode } from "../../../ue/src/node.ts";
import type { UserEquipment } from "../../../ue/src/user-equipment.ts";
import type { UeView } from "../../../ue/src/view.ts";

export class Ue {
  readonly host: string;
  readonly user: string;
  readonly equipment: UserEquipment;
  readonly node: UeNode;

  constructor(host: string, user: string, node: UeNode) {
    const [equipment] = node.ues;
    if (equipment === undefined) throw new Error("a node without UE");
    this.host = host;
    this.user = user;
    this.equipment = equipment;
    this.node = node;
  }

  register(): void {
    this.equipment.register();
  }

  deregister(): void {
    this.equipment.deregister();
  }

  get faults(): UeFaultSwitches {
    return this.node.faults.switches;
  }

  get view(): UeView {
    return this.equipment.view;
  }

  get state(): UeView["registration"]["state"] {
    return this.view.registration.state;
  }

  close(): Promise<void> {
    return this.node.close();
  }
}
