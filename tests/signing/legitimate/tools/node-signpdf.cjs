// Signs with @signpdf/signpdf: IN OUT KEYS PASSWORD SUBFILTER plain|pdf-lib; or makes an unsigned PDF with pdf-lib: base OUT.
const fs = require('fs');
const {SignPdf} = require('@signpdf/signpdf');
const {P12Signer} = require('@signpdf/signer-p12');
const {plainAddPlaceholder} = require('@signpdf/placeholder-plain');
const {pdflibAddPlaceholder} = require('@signpdf/placeholder-pdf-lib');
const {PDFDocument, StandardFonts} = require('pdf-lib');

async function base(out) {
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  pdf.addPage([595, 842]).drawText('So: 15/UBND-VP', {x: 72, y: 760, size: 14, font});
  fs.writeFileSync(out, await pdf.save({useObjectStreams: false}));
}

async function sign(source, out, keys, passphrase, subFilter, how) {
  const asked = {
    reason: 'Thu nghiem', contactInfo: 'binh@example.vn', name: 'Binh', location: 'Song Hong', subFilter, signatureLength: 6000,
  };
  let pdf = fs.readFileSync(source);
  if (how === 'pdf-lib') {
    const pdfDoc = await PDFDocument.load(pdf);
    pdflibAddPlaceholder({...asked, pdfDoc});
    pdf = Buffer.from(await pdfDoc.save({useObjectStreams: false}));
  } else {
    pdf = plainAddPlaceholder({...asked, pdfBuffer: pdf});
  }
  fs.writeFileSync(out, await new SignPdf().sign(pdf, new P12Signer(fs.readFileSync(keys), {passphrase})));
}

const [, , ...words] = process.argv;
(words[0] === 'base' ? base(words[1]) : sign(...words)).catch((error) => {
  console.error(error);
  process.exit(1);
});
