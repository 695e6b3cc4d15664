/**
 * @file Profile of a training step, operator by operator: what `basin bench --profile` prints for its smallest model.
 */
import type { JSX } from "react";
import { useLab } from "../app/labContext.ts";
import { PROFILE } from "./copy.ts";
import { DeviceAction } from "./DeviceAction.tsx";
import { ProfileTable } from "./ProfileTable.tsx";

/** @param possible whether the device has timestamp queries */
export function ProfilePart({ possible }: { readonly possible: boolean }): JSX.Element {
  const lab = useLab();
  return (
    <DeviceAction
      testId="profile"
      label={PROFILE.measure}
      impossible={possible ? null : PROFILE.noTimestamps}
      failedTitle={PROFILE.failed}
      request={async () => (await lab.device.report("profile")).profile}
    >
      {(profile) => profile !== null && <ProfileTable profile={profile} />}
    </DeviceAction>
  );
}
