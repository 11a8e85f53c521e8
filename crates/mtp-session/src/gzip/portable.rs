//! Deflate streams by `miniz_oxide`, which needs only an allocator.

use alloc::boxed::Box;

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::CompressionLevel;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, TDEFLStatus, compress};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::stream::{self, State, Step};

pub(crate) struct Inflate(Box<DecompressorOxide>);

impl stream::Inflate for Inflate {
    fn new() -> Self {
        Self(Box::default())
    }

    fn reset(&mut self) {
        self.0.init();
    }

    fn step(&mut self, packed: &[u8], content: &mut [u8], produced: usize) -> Step {
        // Earlier output serves as the window, in place.
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, wrote) = decompress(&mut self.0, packed, content, produced, flags);
        let state = match status {
            TINFLStatus::Done => State::Ended,
            TINFLStatus::HasMoreOutput => State::Running,
            _ => State::Broken,
        };
        Step { read, wrote, state }
    }
}

pub(crate) struct Deflate(Box<CompressorOxide>);

impl stream::Deflate for Deflate {
    fn new() -> Self {
        let (format, level) = (DataFormat::Raw, CompressionLevel::BestSpeed);
        Self(Box::new(CompressorOxide::with_format_and_level(format, level)))
    }

    fn whole(&mut self, content: &[u8], room: &mut [u8]) -> Option<usize> {
        self.0.reset();
        let (status, _, wrote) = compress(&mut self.0, content, room, TDEFLFlush::Finish);
        (status == TDEFLStatus::Done).then_some(wrote)
    }
}
