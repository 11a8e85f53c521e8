//! Powers of 3 modulo the usual prime, from a table.

use crypto_bigint::U2048;
use crypto_bigint::modular::FixedMontyForm;

use super::group::KNOWN_PARAMS;

/// Raises 3 to a secret power, in a time that does not depend on the power.
pub(super) fn power_of_3(exponent: &U2048) -> U2048 {
    FixedMontyForm::new(&U2048::from_u8(3), &KNOWN_PARAMS).pow_amm(exponent).retrieve()
}
