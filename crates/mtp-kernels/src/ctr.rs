//! Keys of counter mode.

use core::fmt;

#[cfg(all(feature = "simd", target_arch = "x86_64"))]
type Keys = crate::x86::RoundKeys;
#[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
type Keys = core::convert::Infallible;

/// An expanded AES-256 key for counter mode, from [`Kernels::ctr_keys`](crate::Kernels::ctr_keys); wiped on drop.
pub struct CtrKeys(pub(crate) Keys);

/// Prints the type's name only.
impl fmt::Debug for CtrKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CtrKeys(..)")
    }
}
