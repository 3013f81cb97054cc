import { useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../../components/button.tsx';
import { Choice } from '../../components/choice.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorNote, Note } from '../../components/notes.tsx';
import { useText } from '../../i18n/text.ts';
import { type AuditModel, isFiltered } from '../../models/admin/audit.ts';
import { saveFile } from './save-file.ts';

const formats = ['csv', 'jsonl'] as const;
const types = { csv: 'text/csv', jsonl: 'application/jsonl' } as const;

export function AuditExport({ model, onClose }: { readonly model: AuditModel; readonly onClose: () => void }) {
  const { t } = useText();
  const [format, setFormat] = useState<(typeof formats)[number]>('csv');
  const now = useStore(model.store, (state) => state.export);
  const filtered = useStore(model.store, ({ form }) => isFiltered(form));
  return (
    <Dialog title={t('audit.export.title')} closeLabel={t('close')} onClose={onClose}>
      <div className="stack">
        <p className="door-text">{t('audit.export.text')}</p>
        {filtered ? <Note>{t('audit.export.filtered')}</Note> : null}
        <Choice
          cards
          label={t('audit.export.format')}
          value={format}
          onChange={setFormat}
          options={formats.map((value) => ({ value, label: t(`audit.export.${value}`), hint: t(`audit.export.${value}_hint`) }))}
        />
        {now.state === 'failed' ? <ErrorNote>{t(`error.${now.code}`)}</ErrorNote> : null}
        <p role="status" className="field-hint">
          {now.state === 'running' ? t('audit.export.progress', { count: now.count }) : null}
          {now.state === 'done' ? t('audit.export.done', { count: now.count }) : null}
        </p>
        <Button kind="primary" wide busy={now.state === 'running'} onPress={() => model.exportAs(format, (name, parts) => saveFile(name, parts, types[format]))}>
          {t('audit.export.start')}
        </Button>
      </div>
    </Dialog>
  );
}
