//! Conversion of values that borrow from their input into values that own their bytes.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::{Bare, BareVec, Rest, TlStr};

/// A value that can be detached from the input it was decoded from.
///
/// The owned type differs in its lifetime only: `Message<'a>` becomes `Message<'static>`. Types
/// without strings have no lifetime and need no conversion.
pub trait IntoOwned {
    /// The same type with the lifetime `'static`.
    type Owned: 'static;

    /// Returns the value with its own copy of the bytes it borrows.
    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for TlStr<'_> {
    type Owned = TlStr<'static>;

    fn into_owned(self) -> TlStr<'static> {
        TlStr::into_owned(self)
    }
}

impl IntoOwned for Cow<'_, [u8]> {
    type Owned = Cow<'static, [u8]>;

    fn into_owned(self) -> Cow<'static, [u8]> {
        Cow::Owned(Cow::into_owned(self))
    }
}

impl IntoOwned for Rest<'_> {
    type Owned = Rest<'static>;

    fn into_owned(self) -> Rest<'static> {
        Rest(IntoOwned::into_owned(self.0))
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.map(T::into_owned)
    }
}

impl<T: IntoOwned> IntoOwned for Vec<T> {
    type Owned = Vec<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }
}

impl<T: IntoOwned> IntoOwned for Box<T> {
    type Owned = Box<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        Box::new(T::into_owned(*self))
    }
}

impl<T: IntoOwned> IntoOwned for Bare<T> {
    type Owned = Bare<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        Bare(self.0.into_owned())
    }
}

impl<T: IntoOwned> IntoOwned for BareVec<T> {
    type Owned = BareVec<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        BareVec(self.0.into_owned())
    }
}
