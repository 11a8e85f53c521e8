//! `upload.*`: files in parts.
//!
//! Anybody who knows a file's number may read it as `inputDocumentFileLocation` with that `id`;
//! `access_hash` and `file_reference` are not checked.

use mtp_tl::{Decoder, Encode, Flags, Output};

use super::Api;
use crate::call::{Call, Fault, Reply, end};
use crate::ids::constructors;
use crate::ids::functions::upload;
use crate::state::files::{Part, check_range};

impl Api {
    /// Answers a call of `upload.*`.
    pub(super) fn call_upload(
        &mut self,
        call: &Call,
        id: u32,
        d: &mut Decoder<'_>,
    ) -> Option<Reply> {
        Some(match id {
            upload::SAVE_FILE_PART => self.save_file_part(call, d),
            upload::SAVE_BIG_FILE_PART => self.save_big_file_part(call, d),
            upload::GET_FILE => self.get_file(call, d),
            _ => return None,
        })
    }

    /// `upload.saveFilePart file_id:long file_part:int bytes:bytes`
    fn save_file_part(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (id, index) = (d.read()?, d.read()?);
        let bytes = d.string()?;
        end(d)?;
        self.save_part(call, Part { id, index, total: None, bytes })
    }

    /// `upload.saveBigFilePart file_id:long file_part:int file_total_parts:int bytes:bytes`
    fn save_big_file_part(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (id, index, total) = (d.read()?, d.read()?, d.read()?);
        let bytes = d.string()?;
        end(d)?;
        // Minus one: the client does not know it yet.
        let total = if total == -1 { None } else { Some(total) };
        self.save_part(call, Part { id, index, total, bytes })
    }

    fn save_part(&mut self, call: &Call, part: Part<'_>) -> Reply {
        self.may_move_files(call)?;
        self.files.save(call.now, call.caller.identity, part, self.config.files)?;
        Ok(true.to_bytes())
    }

    /// `upload.getFile flags:# precise:flags.0?true cdn_supported:flags.1?true
    /// location:InputFileLocation offset:long limit:int`
    fn get_file(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let flags: Flags = d.read()?;
        if d.id()?.get() != constructors::INPUT_DOCUMENT_FILE_LOCATION {
            return Err(Fault::new(400, "LOCATION_INVALID"));
        }
        let id: i64 = d.read()?;
        let _access_hash: i64 = d.read()?;
        d.string()?;
        let thumb = d.string()?;
        let (offset, limit): (i64, i32) = (d.read()?, d.read()?);
        end(d)?;
        self.may_move_files(call)?;
        if !thumb.is_empty() {
            return Err(Fault::new(400, "LOCATION_INVALID"));
        }
        let (offset, limit) = check_range(offset, limit, flags.has(0))?;
        let (born, bytes) = self.files.load(call.now, id, offset, limit)?;
        Ok(FileAnswer { mtime: born, bytes: &bytes }.to_bytes())
    }

    fn may_move_files(&self, call: &Call) -> Result<(), Fault> {
        if self.config.files.without_login { Ok(()) } else { call.user().map(|_| ()) }
    }
}

/// `upload.file`
struct FileAnswer<'a> {
    mtime: i32,
    bytes: &'a [u8],
}

impl Encode for FileAnswer<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::upload::FILE.encode(out);
        constructors::storage::FILE_UNKNOWN.encode(out); // the content is not examined
        self.mtime.encode(out);
        self.bytes.encode(out);
    }
}
