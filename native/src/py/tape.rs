//! The Tape for research and tests: read one record by record, write one.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{TapeError, io_error, tape_error};
use crate::tape;

/// One record of a Tape.
#[pyclass(module = "native._core", frozen, get_all)]
struct TapeRecord {
    kind: &'static str,
    lane: u16,
    connection: u16,
    tag: u16,
    seq: u64,
    time_ns: i64,
    payload: Py<PyBytes>,
}

#[pymethods]
impl TapeRecord {
    fn __repr__(&self, py: Python<'_>) -> String {
        let TapeRecord { kind, lane, connection, tag, seq, time_ns, payload } = self;
        let bytes = payload.as_bytes(py).len();
        format!(
            "TapeRecord(kind={kind:?}, lane={lane}, connection={connection}, tag={tag}, seq={seq}, \
             time_ns={time_ns}, payload=<{bytes} bytes>)"
        )
    }
}

/// Iterates over the records of a `NAME.tape` directory or of one `.seg` or `.seg.zst` file.
#[pyclass(module = "native._core")]
struct TapeReader(tape::TapeReader);

#[pymethods]
impl TapeReader {
    #[new]
    #[pyo3(signature = (path, /))]
    fn new(path: PathBuf) -> PyResult<TapeReader> {
        tape::TapeReader::open(path).map(TapeReader).map_err(tape_error)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<TapeRecord>> {
        let record = self.0.next().map_err(tape_error)?;
        Ok(record.map(|r| TapeRecord {
            kind: r.kind.name(),
            lane: r.lane,
            connection: r.connection,
            tag: r.tag,
            seq: r.seq,
            time_ns: r.time_ns,
            payload: PyBytes::new(py, r.payload).unbind(),
        }))
    }

    #[getter]
    fn meta(&self) -> &str {
        self.0.meta()
    }

    #[getter]
    fn torn(&self) -> Option<String> {
        self.0.torn().map(ToString::to_string)
    }

    #[getter]
    fn ended(&self) -> bool {
        self.0.ended()
    }

    #[getter]
    fn progress(&self) -> (u64, u64) {
        self.0.progress()
    }
}

/// Writes a Tape.
#[pyclass(module = "native._core")]
struct TapeWriter {
    /// `None` once closed.
    writer: Option<tape::TapeWriter>,
    torn: Option<String>,
}

impl TapeWriter {
    fn open(&mut self) -> PyResult<&mut tape::TapeWriter> {
        self.writer
            .as_mut()
            .ok_or_else(|| PyValueError::new_err("this Tape is closed; TapeWriter.open_append continues it"))
    }
}

fn options(segment_bytes: Option<u64>, compress: bool) -> tape::TapeOptions {
    let default = tape::TapeOptions::default();
    tape::TapeOptions { segment_bytes: segment_bytes.unwrap_or(default.segment_bytes), compress }
}

#[pymethods]
impl TapeWriter {
    #[new]
    #[pyo3(signature = (path, meta="{}", *, segment_bytes=None, compress=true))]
    fn new(path: PathBuf, meta: &str, segment_bytes: Option<u64>, compress: bool) -> PyResult<TapeWriter> {
        let writer = tape::TapeWriter::create(path, meta, options(segment_bytes, compress)).map_err(tape_error)?;
        Ok(TapeWriter { writer: Some(writer), torn: None })
    }

    #[staticmethod]
    #[pyo3(signature = (path, *, segment_bytes=None, compress=true))]
    fn open_append(py: Python<'_>, path: PathBuf, segment_bytes: Option<u64>, compress: bool) -> PyResult<TapeWriter> {
        let options = options(segment_bytes, compress);
        let (writer, torn) = py.detach(|| tape::TapeWriter::open_append(path, options)).map_err(tape_error)?;
        Ok(TapeWriter { writer: Some(writer), torn: torn.map(|t| t.to_string()) })
    }

    // The default of `tag` is Frame::UNTAGGED as a literal, so that Python's help shows a number.
    #[pyo3(signature = (kind, payload, *, time_ns, lane=0, connection=0, tag=65535))]
    fn append(
        &mut self,
        kind: &str,
        payload: &[u8],
        time_ns: i64,
        lane: u16,
        connection: u16,
        tag: u16,
    ) -> PyResult<u64> {
        let Some(kind) = tape::Kind::from_name(kind) else {
            let names = tape::Kind::ALL.map(tape::Kind::name).join(", ");
            return Err(PyValueError::new_err(format!("{kind:?} is no kind of record; the kinds are {names}")));
        };
        self.open()?.append(&tape::Head { kind, lane, connection, tag, time_ns }, payload).map_err(io_error)
    }

    fn flush(&mut self) -> PyResult<()> {
        self.open()?.flush().map_err(io_error)
    }

    fn sync(&mut self, py: Python<'_>) -> PyResult<()> {
        let writer = self.open()?;
        py.detach(|| writer.sync()).map_err(io_error)
    }

    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.writer.take() {
            Some(writer) => py.detach(|| writer.close()).map_err(io_error),
            None => Ok(()),
        }
    }

    #[getter]
    fn torn(&self) -> Option<&str> {
        self.torn.as_deref()
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// An End record says that all is on the Tape that should be: not after an exception.
    #[pyo3(signature = (exc_type, exc, traceback, /))]
    fn __exit__(
        &mut self,
        py: Python<'_>,
        exc_type: Option<Bound<'_, PyAny>>,
        exc: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (exc, traceback);
        if exc_type.is_none() {
            return self.close(py);
        }
        match self.writer.take() {
            Some(mut writer) => writer.flush().map_err(io_error),
            None => Ok(()),
        }
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("TapeError", m.py().get_type::<TapeError>())?;
    m.add_class::<TapeRecord>()?;
    m.add_class::<TapeReader>()?;
    m.add_class::<TapeWriter>()
}
