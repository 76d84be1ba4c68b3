//! The parameters of a request, written one after the other as JSON, as the payload that is signed, or as a query.

use super::Unsupported;
use crate::units::Decimal;

/// A tick or lot size for writing: a whole number of `10^-decimals`.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    mantissa: u64,
    decimals: usize,
}

/// Room for the digits of a `u64` and a dot.
const ROOM: usize = 24;

impl Step {
    const ONE: Step = Step { mantissa: 1, decimals: 0 };

    pub fn new(step: Decimal) -> Option<Step> {
        let step = step.normalized();
        let mantissa = u64::try_from(step.mantissa).ok().filter(|m| *m > 0)?;
        // one digit before the dot and no more than a u64 has
        (step.scale <= 18).then_some(Step { mantissa, decimals: usize::from(step.scale) })
    }

    /// Appends `steps` of these as digits, with as many decimals as the step has.
    fn put(&self, steps: i64, out: &mut Vec<u8>) -> Result<(), Unsupported> {
        let steps = u64::try_from(steps).ok().filter(|s| *s > 0).ok_or(Unsupported::NotPositive)?;
        let mut rest = steps.checked_mul(self.mantissa).ok_or(Unsupported::TooLarge)?;
        let mut text = [0u8; ROOM];
        let (mut at, mut written) = (ROOM, 0);
        while rest > 0 || written <= self.decimals {
            if written == self.decimals && written > 0 {
                at -= 1;
                text[at] = b'.';
            }
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            written += 1;
        }
        out.extend_from_slice(&text[at..]);
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `"name":"value","name":1` between the braces of an object.
    Json,
    /// `name=value&name=value`, values as they are: what is signed on the websocket API.
    Payload,
    /// The same for a URL, where what is not ASCII is percent-encoded before it is signed.
    Query,
}

/// Appends parameters to `out`. They must come in alphabetical order, as the websocket API wants them signed
/// (web-socket-api.md, "SIGNED request example": "sort them in alphabetical order by parameter name").
pub struct Sink<'a> {
    pub out: &'a mut Vec<u8>,
    pub form: Form,
    first: bool,
}

impl<'a> Sink<'a> {
    pub fn new(form: Form, out: &'a mut Vec<u8>) -> Sink<'a> {
        Sink { out, form, first: true }
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(if self.form == Form::Json { b',' } else { b'&' });
        }
        if self.form == Form::Json {
            self.out.push(b'"');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"\":");
        } else {
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'=');
        }
    }

    fn quote(&mut self) {
        if self.form == Form::Json {
            self.out.push(b'"');
        }
    }

    /// A value that needs no escapes in any form.
    pub fn text(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.quote();
        self.out.extend_from_slice(value);
        self.quote();
    }

    pub fn number(&mut self, name: &str, value: i64) -> Result<(), Unsupported> {
        self.name(name);
        Step::ONE.put(value, self.out)
    }

    pub fn steps(&mut self, name: &str, step: &Step, steps: i64) -> Result<(), Unsupported> {
        self.name(name);
        self.quote();
        step.put(steps, self.out)?;
        self.quote();
        Ok(())
    }
}

/// `text` with everything but letters, digits and `-_.~` percent-encoded.
pub fn percent_encoded(text: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len() + 16);
    for &c in text {
        if c.is_ascii_alphanumeric() || b"-_.~".contains(&c) {
            out.push(c);
        } else {
            out.extend_from_slice(&[b'%', HEX[usize::from(c >> 4)], HEX[usize::from(c & 15)]]);
        }
    }
    out
}
