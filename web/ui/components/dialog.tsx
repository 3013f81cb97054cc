import { X } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { IconButton } from './button.tsx';
import { useHeldFocus } from './held-focus.ts';

export interface DialogProps {
  readonly title: string;
  readonly closeLabel: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** For what has pages of its own; its height does not jump between them. */
  readonly wide?: boolean;
}

/** Modal: focus stays inside, Escape and a press beside it close, focus returns to the opener. */
export function Dialog({ title, closeLabel, onClose, children, wide = false }: DialogProps) {
  return (
    <ModalOverlay className="overlay" isOpen isDismissable onOpenChange={(open) => (open ? undefined : onClose())}>
      <Modal className={wide ? 'modal modal-wide' : 'modal'}>
        <Frame title={title} closeLabel={closeLabel} onClose={onClose}>
          {children}
        </Frame>
      </Modal>
    </ModalOverlay>
  );
}

function Frame({ title, closeLabel, onClose, children }: DialogProps) {
  const frame = useRef<HTMLElement>(null);
  useHeldFocus(frame);
  return (
    <AriaDialog className="dialog" ref={frame}>
      <header className="dialog-head">
        <Heading slot="title" className="dialog-title">
          {title}
        </Heading>
        <IconButton label={closeLabel} icon={<X size={20} aria-hidden="true" />} onPress={onClose} />
      </header>
      <div className="dialog-body">{children}</div>
    </AriaDialog>
  );
}
