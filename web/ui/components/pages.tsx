import type { ReactNode } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';

export interface PageOf<Id extends string> {
  readonly id: Id;
  readonly label: string;
  readonly icon: ReactNode;
  /** Mounted while it is shown. */
  readonly content: ReactNode;
}

export interface PagesProps<Id extends string> {
  readonly label: string;
  readonly pages: readonly PageOf<Id>[];
  readonly shown: Id;
  readonly onShow: (id: Id) => void;
  /** Page names stand beside what they show; false: above it. */
  readonly beside: boolean;
}

/** Pages of one dialog: one at a time, chosen by arrow keys or a press. */
export function Pages<Id extends string>({ label, pages, shown, onShow, beside }: PagesProps<Id>) {
  return (
    <Tabs
      className={beside ? 'pages pages-beside' : 'pages'}
      orientation={beside ? 'vertical' : 'horizontal'}
      selectedKey={shown}
      onSelectionChange={(key) => {
        const page = pages.find(({ id }) => id === key);
        if (page !== undefined) onShow(page.id);
      }}
    >
      <TabList className="pages-names" aria-label={label}>
        {pages.map((page) => (
          <Tab key={page.id} id={page.id} className="pages-name">
            {page.icon}
            <span>{page.label}</span>
          </Tab>
        ))}
      </TabList>
      {pages.map((page) => (
        <TabPanel key={page.id} id={page.id} className="pages-page">
          {page.content}
        </TabPanel>
      ))}
    </Tabs>
  );
}
