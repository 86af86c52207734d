//! Workbooks: a sheet's XML that is changed and packed rightly, and a packed file that is changed.

use flate2::Crc;
use table::{Format, Kind};

use super::{Target, holds_of_tables, rows, texts};
use crate::mutate::{self, Random};

pub(super) const TARGET: Target = Target {
    name: "workbook",
    corpus,
    is_right: |bytes| {
        let (rows, flaw) = rows(&packed(bytes, CODES[0]), Kind::Xlsx, &Format::default(), false);
        flaw.is_none() && !rows.is_empty()
    },
    check,
    rounds: 2_000,
};

fn corpus() -> Vec<Vec<u8>> {
    texts(&[
        "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c></row>\
         <row r=\"2\"><c r=\"A2\" t=\"str\"><v>A&amp;1</v></c><c r=\"B2\"><v>133.80000000000001</v></c></row>\
         <row r=\"3\"><c r=\"A3\" s=\"2\"><v>46350.25</v></c><c r=\"B3\" t=\"e\"><v>#N/A</v></c></row>\
         <row r=\"4\"><c r=\"B4\" s=\"1\"><f>1+1</f><v>0.1</v></c></row></sheetData>\
         <mergeCells><mergeCell ref=\"A2:A4\"/></mergeCells></worksheet>",
        "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>Title</t></is></c></row><row/>\
         <row><c t=\"inlineStr\"><is><r><t>sk</t></r><r><t>u</t></r></is></c><c t=\"s\"><v>1</v></c></row>\
         <row><c t=\"b\"><v>1</v></c><c t=\"d\"><v>2026-11-24</v></c><c s=\"4\"><v>17</v></c></row>\
         <row><c/><c s=\"3\"><v>1.5</v></c></row><row><c s=\"5\"><v>612345678</v></c><c s=\"6\"><v>-1e5</v></c></row>\
         </sheetData></worksheet>",
    ])
}

/// Codes of looks.
const CODES: &[&str] = &[
    "0#\" \"##\" \"##\" \"##\" \"##",
    "[<=9999999]###-####;(###) ###-####",
    "\"SKU-\"0000000000;[Red]-#,##0.00_);\"none\";@",
    "[$-409]dd/mm/yyyy\\ hh:mm AM/PM;@",
    "00.0#?\\-*x0;[h]:mm:ss;# ?/?;General",
];

/// A code that was changed, as it can stand in XML.
fn code(random: &mut Random) -> String {
    let changed = mutate::changed(&texts(CODES), random);
    let signs = String::from_utf8_lossy(&changed).into_owned();
    let signs: String = signs.chars().filter(|sign| !sign.is_control()).collect();
    signs.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn check(bytes: &[u8], random: &mut Random) -> Result<(), String> {
    let mut file = packed(bytes, &code(random));
    if random.below(4) == 0 {
        let at = random.below(file.len());
        file[at] ^= 1 << random.below(8);
    }
    if random.below(16) == 0 {
        file.truncate(random.below(file.len()));
    }
    let mut format = Format::default();
    if random.below(4) == 0 {
        let row = random.below(5) + 1;
        format.set("header_row", &serde_json::json!(row)).map_err(|refusal| refusal.problem)?;
    }
    holds_of_tables(&file, Kind::Xlsx, &format)?;
    let (rows, _) = rows(&file, Kind::Xlsx, &format, false);
    for (at, _, problems) in rows {
        // Every problem has its cell, of that row or of merged cells that cover it.
        if let Some(problem) = problems.iter().find(|problem| !problem.contains("(S!")) {
            return Err(format!("row {at} has a problem without a cell: {problem}"));
        }
    }
    Ok(())
}

/// A workbook with that sheet, and with a look of its own.
fn packed(sheet: &[u8], code: &str) -> Vec<u8> {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
    let related = |id: &str, word: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{kind}{word}\" Target=\"{target}\"/>")
    };
    let root = format!("<Relationships>{}</Relationships>", related("r", "officeDocument", "w.xml"));
    let relations = [("a", "worksheet", "s.xml"), ("b", "styles", "y.xml"), ("c", "sharedStrings", "t.xml")];
    let relations: String =
        relations.into_iter().map(|(id, word, target)| related(id, word, target)).collect();
    let relations = format!("<Relationships>{relations}</Relationships>");
    let code = code.replace('"', "&quot;");
    let styles = format!(
        "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"{code}\"/></numFmts><cellXfs><xf numFmtId=\"0\"/>\
         <xf numFmtId=\"9\"/><xf numFmtId=\"14\"/><xf numFmtId=\"46\"/><xf numFmtId=\"21\"/><xf numFmtId=\"164\"/>\
         <xf numFmtId=\"11\"/></cellXfs></styleSheet>"
    );
    let parts: [(&str, &[u8]); 6] = [
        ("_rels/.rels", root.as_bytes()),
        ("_rels/w.xml.rels", relations.as_bytes()),
        ("w.xml", b"<workbook><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"a\"/></sheets></workbook>"),
        ("y.xml", styles.as_bytes()),
        ("t.xml", b"<sst><si><t>sku</t></si><si><t>price</t></si></sst>"),
        ("s.xml", sheet),
    ];
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let mut checksum = Crc::new();
        checksum.update(content);
        let begins = bytes(file.len());
        let mut about = Vec::new();
        about.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        about.extend(checksum.sum().to_le_bytes());
        about.extend([bytes(content.len()), bytes(content.len())].concat());
        about.extend([&bytes(name.len())[..2], &[0, 0]].concat());
        file.extend([&b"PK\x03\x04"[..], &about, name.as_bytes(), content].concat());
        directory.extend([&b"PK\x01\x02\x14\0"[..], &about, &[0; 10], &begins, name.as_bytes()].concat());
    }
    let begins = bytes(file.len());
    file.extend(&directory);
    file.extend([&b"PK\x05\x06\0\0\0\0\x06\0\x06\0"[..], &bytes(directory.len()), &begins, &[0, 0]].concat());
    file
}

fn bytes(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}
