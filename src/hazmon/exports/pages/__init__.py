"""The parts of the PDF report: pen and paper, tables, the calendar, and what each section says."""
